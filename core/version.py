"""The version of this code, as it is told to others."""

VERSION = "0.1.0"
