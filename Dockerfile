# One image for every process; the command says which: web, worker, coordinator or periodic, as in the Procfile.
FROM python:3.11-slim

WORKDIR /carillon
ARG REQUIREMENTS=requirements.txt
COPY requirements.txt requirements-traces.txt ./
RUN python -m venv .venv && .venv/bin/pip install --no-cache-dir --require-hashes -r "$REQUIREMENTS"
COPY . .
RUN useradd --system --uid 999 carillon && mkdir -p .data/marks .data/files && chown -R carillon .data
USER 999

ENTRYPOINT [".venv/bin/python", "cli.py"]
CMD ["web"]
