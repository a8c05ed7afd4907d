"""How many no-op runs a second Procrastinate does, each with its record, on the PostgreSQL of DATABASE_URL.

    python3 -m venv venv && venv/bin/pip install procrastinate "psycopg[binary,pool]"
    DATABASE_URL=postgresql://… venv/bin/python procrastinate_noop.py [RUNS] [CONCURRENCY]

`just bench-runner --peers` does all of it, in turns with riftwatch on the same server.
"""

import asyncio
import os
import sys
import time

import procrastinate

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
CONCURRENCY = int(sys.argv[2]) if len(sys.argv) > 2 else 64

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URL"], max_size=16)
)


@app.task(name="noop")
async def noop():
    pass


async def main():
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for _ in range(RUNS // 500):
            await noop.batch_defer_async(*[{} for _ in range(500)])
        began = time.perf_counter()
        await app.run_worker_async(wait=False, concurrency=CONCURRENCY, delete_jobs="never")
        took = time.perf_counter() - began
        print(f"procrastinate: {RUNS} no-op runs in {took:.2f} s, {RUNS / took:.0f} runs/s")


asyncio.run(main())
