"""Whether the cost of what Carillon does grows with what it stores: the services themselves, on filled databases."""
