try:
    async for event in agent.text_streaming_manager.stream(query):
        if event.type == StreamEventType.ERROR:
            print(f"Error: {event.content}")
            break
        
        # Process events...

except Exception as e:
    print(f"Streaming failed: {e}")
    # Fallback to non-streaming
    result = await agent.execute(query)
