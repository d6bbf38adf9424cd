"""The kinds of task that Carillon does by itself: key, label, parameters. Any other task type is a callback."""

# Importing this package registers them.
from services.task_types import http as http
from services.task_types import run_command as run_command
from services.task_types import send_email as send_email
from services.task_types import upload_file as upload_file
