"""The traffic: when requests are due, what they say, and two shells (Locust, asyncio) that send them."""
