async def stream(
    query: str,
    max_tokens: int = 100,
    temperature: float = 0.7,
    complexity: str = "simple",
    routing_strategy: str = "cascade",
    tools: None = None,  # Text only
    **kwargs
) -> AsyncIterator[StreamEvent]:
    """
    Stream text responses with cascading.
    
    Args:
        query: User input
        max_tokens: Response length limit
        temperature: Sampling temperature (0-1)
        complexity: Query complexity hint ("simple"/"moderate"/"complex")
        routing_strategy: "cascade" or "direct"
    
    Yields:
        StreamEvent objects with type-specific data
    """
