// Two threads push to a linked list without a lock: a node is lost.
#include "race.h"

struct node {
  struct node* next;
};
static struct node* volatile head;
static struct node nodes[4];

static void* push(void* first) {
  struct node* node = first;
  for (int i = 0; i < 2; ++i, ++node) {
    node->next = head;
    head = node;
  }
  return NULL;
}

int main(void) {
  pthread_t other = race_thread(push, &nodes[2]);
  push(&nodes[0]);
  pthread_join(other, NULL);
  int length = 0;
  for (const struct node* at = head; at != NULL; at = at->next) ++length;
  race_check(length == 4, "a node is lost");
  return 0;
}
