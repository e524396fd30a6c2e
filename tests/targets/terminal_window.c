// A pseudo terminal has a window size, line settings and an echo; a pipe has none of it.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "target.h"

int main(void) {
  struct winsize size = {24, 80, 0, 0}, got;
  say("on standard output: %s", outcome(ioctl(1, TIOCGWINSZ, &got)));
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  if (master < 0) {
    say("no pseudo terminals: %s", strerror(errno));
    return 0;
  }
  int locked = 0, number = -1;
  MUST(ioctl(master, TIOCSPTLCK, &locked));
  MUST(ioctl(master, TIOCGPTN, &number));
  int slave = (int)MUST(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
  MUST(ioctl(master, TIOCSWINSZ, &size));
  MUST(ioctl(slave, TIOCGWINSZ, &got));
  say("terminal %d: %u rows, %u columns", number, got.ws_row, got.ws_col);
  struct termios settings;
  MUST(tcgetattr(slave, &settings));
  say("flags %#x %#x", settings.c_lflag, settings.c_iflag);
  MUST(write(master, "typed\n", 6));
  char text[32] = "";
  MUST(read(slave, text, sizeof text - 1));
  say("read %s", text);
  memset(text, 0, sizeof text);
  MUST(read(master, text, sizeof text - 1));
  say("echo %s", text);
  return 0;
}
