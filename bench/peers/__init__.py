"""The programs that Carillon is measured beside; they run on libraries of their own, in .venv-bench."""
