// What the native checks share: a program takes the name of one check, prints what does not hold,
// and exits with 0 when all does. Without a name it lists its checks.
#pragma once

#include <cstdio>
#include <map>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

inline int failures = 0;

#define CHECK(condition)                                                  \
  do {                                                                    \
    if (!(condition)) {                                                   \
      std::printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                         \
    }                                                                     \
  } while (0)

// In the child of a fork all works again, in the parent still.
inline void check_fork(bool (*child_works)(), bool (*parent_works)()) {
  for (int repeat = 0; repeat < 10; ++repeat) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);  // a hang kills
      _exit(child_works() ? 0 : 1);
    }
    CHECK(parent_works());
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
}

inline int run_checks(int argc, char** argv, const std::map<std::string, void (*)()>& checks) {
  if (argc < 2) {
    for (const auto& check : checks) std::printf("%s\n", check.first.c_str());
    return 0;
  }
  checks.at(argv[1])();
  return failures == 0 ? 0 : 1;
}
