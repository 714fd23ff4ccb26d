# DON'T DO THIS - streaming_manager is deprecated
agent.streaming_manager.stream(query)  # ⚠️ Deprecated!

# DON'T DO THIS - no direct StreamManager import needed
from cascadeflow.streaming import StreamManager  # ⚠️ Not needed!
manager = StreamManager(agent.cascade)  # ⚠️ Use agent.text_streaming_manager instead!
