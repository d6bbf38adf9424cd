"""Uploaded files: from the request into the spool, from there into the object store, and out by signed links."""
