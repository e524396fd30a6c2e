"""check_example.py README SOURCE PROGRAM TRACE: the README shows the source as it is, and the program reads the trace."""

import subprocess
import sys
from pathlib import Path

readme, source, program, trace = sys.argv[1:]
text = Path(source).read_text()
shown = "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())
if shown not in Path(readme).read_text():
    sys.exit(f"{readme} does not show {source} as it is")
if len(text.splitlines()) >= 40:
    sys.exit(f"{source} is no short example any more")
subprocess.run([program, trace], check=True, timeout=30)
