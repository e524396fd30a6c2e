// System V shared memory is attached by parent and child and ordered by a semaphore.
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "target.h"

int main(void) {
  int memory = (int)MUST(shmget(IPC_PRIVATE, 8192, IPC_CREAT | 0600));
  int semaphore = (int)MUST(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
  int* cells = (int*)MUST(shmat(memory, NULL, 0));
  say("segment %d at %p", memory, (void*)cells);
  pid_t child = (pid_t)MUST(fork());
  if (child == 0) {
    cells[1] = getpid();
    struct sembuf up = {0, 1, 0};
    MUST(semop(semaphore, &up, 1));
    return 0;
  }
  struct sembuf down = {0, -1, 0};
  MUST(semop(semaphore, &down, 1));
  say("child wrote %d", cells[1]);
  reap(child);
  struct shmid_ds state;
  MUST(shmctl(memory, IPC_STAT, &state));
  say("%zu bytes, %lu attached, creator %d", state.shm_segsz, (unsigned long)state.shm_nattch,
      state.shm_cpid);
  MUST(shmdt(cells));
  MUST(shmctl(memory, IPC_RMID, NULL));
  MUST(semctl(semaphore, 0, IPC_RMID));
  return 0;
}
