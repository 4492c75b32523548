"""Tables of many parts: their tasks as messages, the workers that do them, and the folder in which parts wait."""
