// Maps a file that has not changed for long again and again, as dynamic loaders do: whole and in parts, over
// itself, written to, in children; and as often what cannot be mapped.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "target.h"

enum { rounds = 60, page = 4096 };

static unsigned sum(const unsigned char* bytes, size_t size) {
  unsigned all = 0;
  for (size_t i = 0; i < size; ++i) all = all * 31 + bytes[i];
  return all;
}

static const char* error_of(const void* mapped) { return outcome(mapped == MAP_FAILED ? -1 : 0); }

// A reservation of the whole file, and its second page once more over it, to be written to.
static unsigned map_like_a_loader(int fd, size_t size) {
  unsigned char* all = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_DENYWRITE, fd, 0);
  EXPECT(all != MAP_FAILED);
  const unsigned before = sum(all, size);
  unsigned char* part =
      mmap(all + page, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE, fd, 0);
  EXPECT(part == all + page);
  EXPECT(memcmp(part, all, page) == 0);
  for (int i = 0; i < 64; ++i) part[i] = (unsigned char)(part[i] + i);
  unsigned char* zeros =
      mmap(all, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
  EXPECT(zeros == all && zeros[1] == 0);
  const unsigned after = sum(all, size);
  MUST(mprotect(part, page, PROT_READ));
  MUST(munmap(all, size));
  return before ^ after;
}

static void map_in_vain(int fd) {
  int ends[2];
  MUST(pipe(ends));
  const int directory = (int)MUST(open("/", O_RDONLY | O_DIRECTORY));
  const int path = (int)MUST(open("/proc/self/exe", O_PATH));
  for (int i = 0; i < 30; ++i) {
    const int last = i == 29;
    const void* no_length = mmap(NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0);
    if (last) say("no length: %s", error_of(no_length));
    const void* not_aligned = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, 1);
    if (last) say("not aligned: %s", error_of(not_aligned));
    const void* no_file = mmap(NULL, page, PROT_READ, MAP_PRIVATE, 1000, 0);
    if (last) say("no descriptor: %s", error_of(no_file));
    const void* of_pipe = mmap(NULL, page, PROT_READ, MAP_PRIVATE, ends[0], 0);
    if (last) say("a pipe: %s", error_of(of_pipe));
    const void* of_directory = mmap(NULL, page, PROT_READ, MAP_PRIVATE, directory, 0);
    if (last) say("a directory: %s", error_of(of_directory));
    const void* of_path = mmap(NULL, page, PROT_READ, MAP_PRIVATE, path, 0);
    if (last) say("a path only: %s", error_of(of_path));
  }
  close(path);
  close(directory);
  close(ends[0]);
  close(ends[1]);
}

static void map_past_the_end(int fd, size_t size) {
  const size_t pages = (size + page - 1) / page;
  for (int i = 0; i < 20; ++i) {
    unsigned char* end = mmap(NULL, 4 * page, PROT_READ, MAP_PRIVATE, fd, (off_t)((pages - 1) * page));
    EXPECT(end != MAP_FAILED);
    if (i == 19)
      say("last page: %u, behind the file: %u", sum(end, size % page),
          sum(end + size % page, page - size % page));
    MUST(munmap(end, 4 * page));
  }
}

int main(void) {
  const int fd = (int)MUST(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  struct stat info;
  MUST(fstat(fd, &info));
  unsigned all = 0;
  for (int i = 0; i < rounds; ++i) all += map_like_a_loader(fd, (size_t)info.st_size);
  say("%u", all);
  map_in_vain(fd);
  map_past_the_end(fd, (size_t)info.st_size);
  for (int i = 0; i < 3; ++i) {
    const pid_t child = (pid_t)MUST(fork());
    if (child == 0) {
      for (int k = 0; k < 20; ++k) all += map_like_a_loader(fd, (size_t)info.st_size);
      say("%u", all);
      _exit(i);
    }
    reap(child);
  }
  return 0;
}
