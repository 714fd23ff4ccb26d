async def stream(
    query: str,
    tools: List[Dict],
    max_tokens: int = 1000,
    temperature: float = 0.7,
    tool_choice: Optional[Dict] = None,
    execute_tools: bool = True,
    max_turns: int = 5,
    **kwargs
) -> AsyncIterator[ToolStreamEvent]:
    """
    Stream tool calls with automatic execution.
    
    Args:
        query: User input
        tools: OpenAI-format tool definitions
        max_tokens: Response length limit
        temperature: Sampling temperature
        tool_choice: {"type": "auto"/"required"/"function", "function": {...}}
        execute_tools: Auto-execute tools vs manual control
        max_turns: Max tool call loops
    
    Yields:
        ToolStreamEvent objects with tool-specific data
    """
