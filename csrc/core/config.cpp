#include "core/config.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif
#include <unistd.h>

#include "core/primitive.h"

namespace fastnn {
namespace {

// A whole number >= 1 (more than we can use is cut to that); 0 when the text is none.
int parse_threads(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t");
  const size_t last = text.find_last_not_of(" \t");
  if (first == std::string::npos) return 0;
  const std::string digits = text.substr(first, last - first + 1);
  if (digits.find_first_not_of("0123456789") != std::string::npos) return 0;
  if (digits.size() > 9) return kMaxThreads;
  return std::min(std::atoi(digits.c_str()), kMaxThreads);
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// Quota and period of one control group, as processors; 0: no limit.
double quota_v2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  std::string quota;
  double period = 100000;
  if (!(file >> quota) || quota == "max") return 0;
  file >> period;
  return period > 0 ? std::atof(quota.c_str()) / period : 0;
}

double quota_v1(const std::string& folder) {
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us"),
      period_file(folder + "/cpu.cfs_period_us");
  double quota = 0, period = 0;
  if (!(quota_file >> quota) || !(period_file >> period) || quota <= 0 || period <= 0) return 0;
  return quota / period;
}

bool lists(const std::string& comma_separated, const std::string& word) {
  return ("," + comma_separated + ",").find("," + word + ",") != std::string::npos;
}

// The tightest limit from `path` up to the root of the hierarchy mounted at `mount`.
double tightest(const std::string& mount, std::string path, double (*quota)(const std::string&)) {
  double least = 0;
  for (;;) {
    const double limit = quota(mount + path);
    if (limit > 0 && (least == 0 || limit < least)) least = limit;
    if (path.empty()) return least;
    path.resize(path.find_last_of('/'));
  }
}

// One line of proc/self/mountinfo (proc(5)) that mounts a cgroup hierarchy.
struct Mount {
  std::string root, point, type, options;
};

std::vector<Mount> cgroup_mounts(const std::string& root) {
  std::vector<Mount> mounts;
  std::ifstream file(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t dash = line.find(" - cgroup");
    if (dash == std::string::npos) continue;
    std::istringstream before(line), after(line.substr(dash + 3));
    std::string skip;
    Mount mount;
    before >> skip >> skip >> skip >> mount.root >> mount.point;
    after >> mount.type >> skip >> mount.options;
    mounts.push_back(mount);
  }
  return mounts;
}

// Where `path` (of proc/self/cgroup) lies below the mount: a container often sees its own group as
// the mount's root, while the path is still the host's.
std::string below(const Mount& mount, std::string path) {
  if (mount.root != "/") {
    const size_t length = mount.root.size();
    const bool inside =
        path.compare(0, length, mount.root) == 0 && (path.size() == length || path[length] == '/');
    path = inside ? path.substr(length) : "";
  }
  if (path.compare(0, 3, "/..") == 0) return "";
  while (!path.empty() && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

double cgroup_processors(const std::string& root) {
  const std::vector<Mount> mounts = cgroup_mounts(root);
  double least = 0;
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // hierarchy:controllers:path
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool v2 = controllers.empty();
    if (!v2 && !lists(controllers, "cpu")) continue;
    for (const Mount& mount : mounts) {
      if (v2 ? mount.type != "cgroup2" : mount.type != "cgroup" || !lists(mount.options, "cpu"))
        continue;
      const double limit = tightest(root + mount.point, below(mount, line.substr(second + 1)),
                                    v2 ? quota_v2 : quota_v1);
      if (limit > 0 && (least == 0 || limit < least)) least = limit;
    }
  }
  return least;
}

int usable_processors(const std::string& root) {
  int processors = 0;
#if defined(__linux__)
  // Machines with more processors than cpu_set_t holds need a larger mask.
  for (int size = 1024; processors == 0 && size <= 1 << 16; size *= 4) {
    cpu_set_t* mask = CPU_ALLOC(size);
    if (!mask) break;
    if (sched_getaffinity(0, CPU_ALLOC_SIZE(size), mask) == 0)
      processors = CPU_COUNT_S(CPU_ALLOC_SIZE(size), mask);
    CPU_FREE(mask);
  }
#endif
  if (processors == 0) processors = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  const double quota = cgroup_processors(root);
  if (quota > 0) processors = std::min(processors, static_cast<int>(std::min(quota, 1e6)));
  return std::max(processors, 1);
}

ThreadSetting find_thread_setting() {
  ThreadSetting setting;
  const std::string own = variable("FASTNN_NUM_THREADS");
  if (!own.empty()) {
    setting.threads = parse_threads(own);
    setting.origin = "FASTNN_NUM_THREADS";
    if (setting.threads == 0)
      throw Error(ErrorKind::value,
                  "FASTNN_NUM_THREADS=" + own + ": expected a whole number of threads, at least 1");
    return setting;
  }
  // OpenMP allows a list, one number a nesting level; the first is the outermost.
  const std::string openmp = variable("OMP_NUM_THREADS");
  if (!openmp.empty()) {
    setting.threads = parse_threads(openmp.substr(0, openmp.find(',')));
    setting.origin = "OMP_NUM_THREADS";
    if (setting.threads > 0) return setting;
    setting.warning = "OMP_NUM_THREADS=" + openmp + " is not a number of threads and is ignored";
  }
  setting.threads = std::min(usable_processors(), kMaxThreads);
  setting.origin = "affinity and cgroup";
  return setting;
}

}  // namespace fastnn
