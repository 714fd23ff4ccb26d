agent.text_streaming_manager  # None
