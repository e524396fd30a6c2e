// System V messages and POSIX message queues carry messages by type and priority.
#include <fcntl.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "target.h"

struct message {
  long type;
  char text[32];
};

int main(void) {
  int queue = (int)MUST(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
  for (int i = 3; i > 0; i--) {
    struct message out = {i, ""};
    snprintf(out.text, sizeof out.text, "type %d of %d", i, getpid());
    MUST(msgsnd(queue, &out, sizeof out.text, 0));
  }
  for (int i = 1; i <= 3; i++) {
    struct message in;
    say("%ld: %s", MUST(msgrcv(queue, &in, sizeof in.text, i, 0)), in.text);
  }
  MUST(msgctl(queue, IPC_RMID, NULL));
  char name[32], text[64] = "";
  snprintf(name, sizeof name, "/target-%d", getpid());
  struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 64};
  mqd_t posix = mq_open(name, O_CREAT | O_RDWR | O_EXCL, 0600, &attributes);
  if (posix < 0) {
    say("mq_open: %s", strerror(errno));
    return 0;
  }
  MUST(mq_unlink(name));
  MUST(mq_send(posix, "low", 4, 1));
  MUST(mq_send(posix, "high", 5, 9));
  for (int i = 0; i < 2; i++) {
    unsigned priority = 0;
    ssize_t size = MUST(mq_receive(posix, text, sizeof text, &priority));
    say("%zd bytes at %u: %s", size, priority, text);
  }
  return 0;
}
