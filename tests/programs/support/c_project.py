"""A C project to compile: a header, modules that lean on each other, a main program and a Makefile."""

MAKEFILE = """\
CFLAGS = -O1 -Wall
OBJECTS = main.o {objects}

program: $(OBJECTS)
\t$(CC) -o $@ $(OBJECTS)

%.o: %.c project.h
\t$(CC) $(CFLAGS) -c -o $@ $<
"""

MODULE = """\
#include "project.h"

static unsigned mix{n}(unsigned value) {{
  for (int i = 0; i < {rounds}; i++) value = value * 2654435761u + (value >> {shift});
  return value;
}}

unsigned module{n}(const char *text) {{
  unsigned value = {n};
  for (const char *at = text; *at; at++) value = mix{n}(value ^ (unsigned char)*at);
  return {rest};
}}
"""

MAIN = """\
#include "project.h"

int main(void) {{
  printf("%08x built on %s at %s\\n", module1("a project"), __DATE__, __TIME__);
  return 0;
}}
"""


def generate(directory, files=20):
    """Writes a project of `files` C files into the directory, which must exist."""
    modules = range(1, files)
    declarations = "\n".join(f"unsigned module{n}(const char *text);" for n in modules)
    (directory / "project.h").write_text(
        f"#pragma once\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n{declarations}\n"
    )
    (directory / "main.c").write_text(MAIN.format())
    for n in modules:
        rest = f"value ^ module{n + 1}(text)" if n + 1 < files else "value"
        (directory / f"module{n}.c").write_text(MODULE.format(n=n, rounds=n + 2, shift=n % 13 + 1, rest=rest))
    objects = " ".join(f"module{n}.o" for n in modules)
    (directory / "Makefile").write_text(MAKEFILE.format(objects=objects))
