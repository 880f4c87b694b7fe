"""Who should answer a call, and why? Pure: no clock, no disk, no network."""
