tools = [{
    "type": "function",      # ← Wrong format!
    "function": {...}
}]
