"""JSON to typed values and back, and the source of the OpenAPI document."""
