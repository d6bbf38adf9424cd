"""Calls against receivers that misbehave, each on a real socket, and aborts in each phase of a call."""
