"""How mail servers ask: asyncio servers that know no Django and no models."""
