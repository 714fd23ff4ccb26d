from cascadeflow.streaming import ToolStreamEventType

# Define tools
tools = [{
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get current weather",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string"}
            },
            "required": ["location"]
        }
    }
}]

# ✅ CORRECT: Access tool streaming via agent.tool_streaming_manager
async for event in agent.tool_streaming_manager.stream(
    "What's the weather in NYC?",
    tools=tools
):
    match event.type:
        case ToolStreamEventType.CHUNK:
            print(event.content, end='')
        case ToolStreamEventType.TOOL_CALL_START:
            print(f"\n🔧 Calling: {event.tool_call['name']}")
        case ToolStreamEventType.TOOL_RESULT:
            print(f"✓ Result: {event.tool_result}")
