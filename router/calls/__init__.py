"""What is happening to each call? Pure: events in, orders out, the only clock is in the events."""
