tool = event.tool_call  # AttributeError or None
