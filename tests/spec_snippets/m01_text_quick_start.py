from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.streaming import StreamEventType

# Setup agent with cascade
agent = CascadeAgent(
    models=[
        ModelConfig(name="gpt-3.5-turbo", provider="openai", cost=0.002),
        ModelConfig(name="gpt-4o", provider="openai", cost=0.03),
    ],
    enable_cascade=True
)

# ✅ CORRECT: Access streaming via agent.text_streaming_manager
async for event in agent.text_streaming_manager.stream("What is Python?"):
    match event.type:
        case StreamEventType.CHUNK:
            print(event.content, end='', flush=True)
        case StreamEventType.SWITCH:
            print("\n⤴️ Cascading...")
        case StreamEventType.COMPLETE:
            print(f"\n✓ Done in {event.data['result']['latency_ms']:.0f}ms")
