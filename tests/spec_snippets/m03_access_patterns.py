# For text-only streaming
agent.text_streaming_manager.stream(query)

# For tool streaming
agent.tool_streaming_manager.stream(query, tools=tools)
