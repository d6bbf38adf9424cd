# One image for every process; the command says which: web, worker, coordinator or periodic, as in the Procfile.
FROM python:3.11-slim

WORKDIR /carillon
ARG REQUIREMENTS=requirements.txt
COPY requirements.txt requirements-traces.txt ./
RUN python -m venv .venv && .venv/bin/pip install --no-cache-dir --require-hashes -r "$REQUIREMENTS"
COPY . .
# The user below cannot write beside modules and templates, so without this each start would compile them all anew.
RUN .venv/bin/python -m compileall -q -x '\.venv|tests|bench' . \
    && .venv/bin/python -c 'from pages import rendering; rendering.compile_all()'
RUN useradd --system --uid 999 carillon && mkdir -p .data/marks .data/files .data/spool && chown -R carillon .data
USER 999

ENTRYPOINT [".venv/bin/python", "cli.py"]
CMD ["web"]
