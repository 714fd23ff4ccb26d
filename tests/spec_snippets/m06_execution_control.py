# Auto-execute tools
async for event in agent.tool_streaming_manager.stream(
    query,
    tools=tools,
    execute_tools=True,  # ✅ Automatically execute tools
    max_turns=3  # Limit multi-turn loops
):
    if event.type == ToolStreamEventType.TOOL_RESULT:
        print(f"Got result: {event.tool_result}")

# Manual tool execution
async for event in agent.tool_streaming_manager.stream(
    query,
    tools=tools,
    execute_tools=False  # ⚠️ Manual control
):
    if event.type == ToolStreamEventType.TOOL_CALL_COMPLETE:
        # Execute tool yourself
        result = await my_executor(event.tool_call)
        # ... handle result
