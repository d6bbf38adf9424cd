"""Many listeners to the live channel of one web process, while runs finish at full speed and the process dies."""
