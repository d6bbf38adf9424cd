"""Task types that Carillon's own processes load while they are measured."""
