"""The command line's commands, and jobs as code: all over the public HTTP API, but for `preview`."""
