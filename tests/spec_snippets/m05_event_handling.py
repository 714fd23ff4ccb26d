from cascadeflow.streaming import StreamEventType

async for event in agent.text_streaming_manager.stream(query):
    match event.type:
        case StreamEventType.DRAFT_START:
            print(f"Starting draft with {event.data['model']}")
        
        case StreamEventType.DRAFT_DECISION:
            if event.data['accepted']:
                print(f"✓ Draft accepted ({event.data['confidence']:.1%})")
            else:
                print(f"✗ Draft rejected: {event.data['reason']}")
        
        case StreamEventType.CHUNK:
            # Real-time streaming
            print(event.content, end='', flush=True)
        
        case StreamEventType.SWITCH:
            print(f"\n⤴️ Escalating: {event.data['from_model']} → {event.data['to_model']}")
        
        case StreamEventType.COMPLETE:
            result = event.data['result']
            print(f"\n✓ Done | Cost: ${result['total_cost']:.4f} | {result['latency_ms']:.0f}ms")
        
        case StreamEventType.ERROR:
            print(f"\n✗ Error: {event.content}")
