"""The programs that Carillon is compared with; they have their own libraries, in .venv-bench."""
