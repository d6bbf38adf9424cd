"""How slowly bodies and answers may be transferred over HTTP."""

SLOWEST_BYTES = 32 * 1024
"""The least bytes of a file that a client must send in a second, and of an answer that it must read."""
