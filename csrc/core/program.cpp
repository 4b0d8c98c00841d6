#include "core/program.h"

#include <pthread.h>

#include <map>
#include <mutex>
#include <string>
#include <unordered_map>

#include "core/memory_pool.h"
#include "core/thread_pool.h"

namespace fastnn {
namespace {

// Ragged batches make many kinds of calls; most programs take some hundred bytes.
constexpr size_t kMostPrograms = 4096, kMostBytes = size_t{32} << 20;

std::mutex mutex;
// A child has one thread: nobody else may hold the lock when it is made.
[[maybe_unused]] const int fork_handlers =
    pthread_atfork([] { mutex.lock(); }, [] { mutex.unlock(); }, [] { mutex.unlock(); });

std::map<int, Planner>& planners() {
  static auto* table = new std::map<int, Planner>();
  return *table;
}
using Programs = std::unordered_map<std::string, std::shared_ptr<const Program>>;
Programs& programs() {
  static auto* kept = new Programs();
  return *kept;
}
size_t kept_bytes = 0;  // of the programs' numbers

size_t bytes_of(const Program& program) {
  size_t numbers = 0;
  for (const Stage& stage : program.stages)
    numbers += stage.arrays.size() + stage.integers.size() + stage.reals.size();
  return numbers * sizeof(int64_t);
}

template <class T>
void append(std::string& key, const T& value) {
  key.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// All that a planner sees of a call.
std::string kind_of(int backend, const Call& call) {
  std::string key;
  append(key, backend);
  append(key, call.primitive->id);
  append(key, call.attributes);
  key.append(reinterpret_cast<const char*>(call.first),
             (call.primitive->operands.size() + 1) * sizeof(call.first[0]));
  for (int i = 0; i < call.total(); ++i) {
    const Array& array = call.arrays()[i];
    append(key, array.dtype);
    append(key, array.rank);
    key.append(reinterpret_cast<const char*>(array.shape), array.rank * sizeof(array.shape[0]));
  }
  return key;
}

// Blocks that are given back when the run ends.
struct Blocks {
  std::vector<Block*> all;
  char* allocate(int64_t bytes) {
    all.push_back(allocate_block(static_cast<size_t>(bytes)));
    return all.back()->data;
  }
  ~Blocks() {
    for (Block* block : all) release(block);
  }
};

char* packed(const Array& array, Blocks& blocks) {
  static const Primitive* const copy = find_primitive("copy");
  Call call;
  call.primitive = copy;
  call.first[1] = 1, call.first[2] = 2;
  call.inline_arrays[1] = array;
  const AttributeInfo& dtype = copy->attributes[0];
  const AttributeInfo& scale = copy->attributes[1];
  const auto code = static_cast<int64_t>(array.dtype);
  std::memcpy(call.attributes.bytes + dtype.offset, &code, sizeof(code));
  std::memcpy(call.attributes.bytes + scale.offset, &scale.default_value, sizeof(double));
  Array& y = call.set_output_like(0, array);
  y.data = blocks.allocate(y.bytes());
  copy->native(call);
  return y.data;
}

struct Running {
  const Stage& stage;
  char* const* arrays;
  int64_t* status;
};

}  // namespace

void set_planner(int backend, Planner planner) {
  const std::lock_guard<std::mutex> lock(mutex);
  planners()[backend] = planner;
}

bool has_planner(int backend) {
  const std::lock_guard<std::mutex> lock(mutex);
  return planners().count(backend) != 0;
}

std::shared_ptr<const Program> program_of(int backend, const Call& call) {
  const std::string kind = kind_of(backend, call);
  Planner planner;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto known = programs().find(kind);
    if (known != programs().end()) return known->second;
    planner = planners().at(backend);
  }
  auto program = planner(backend, call);  // takes Python's lock, so not under ours
  const size_t bytes = program ? bytes_of(*program) : 0;
  const std::lock_guard<std::mutex> lock(mutex);
  if (programs().size() >= kMostPrograms || kept_bytes + bytes > kMostBytes) {
    programs().clear();
    kept_bytes = 0;
  }
  if (programs().emplace(kind, program).second) kept_bytes += bytes;
  return program;
}

void forget_programs() {
  const std::lock_guard<std::mutex> lock(mutex);
  programs().clear();
  kept_bytes = 0;
}

Status run_program(const Call& call) {
  const Program& program = *call.program;
  Blocks blocks;
  std::vector<char*> addresses;
  for (int i = 0; i < call.total(); ++i) {
    const Array& array = call.arrays()[i];
    addresses.push_back(array.contiguous() ? array.data : packed(array, blocks));
  }
  for (const int64_t bytes : program.scratch) addresses.push_back(blocks.allocate(bytes));
  int64_t status[3] = {};
  std::vector<char*> arrays;
  for (const Stage& stage : program.stages) {
    arrays.clear();
    for (const int32_t index : stage.arrays)
      arrays.push_back(index < 0 ? nullptr : addresses[static_cast<size_t>(index)]);
    Running running{stage, arrays.data(), status};
    run_tasks(
        stage.tasks,
        [](void* context, int64_t task) {
          const auto& r = *static_cast<const Running*>(context);
          r.stage.tile(r.arrays, r.stage.integers.data(), r.stage.reals.data(), r.status, task);
        },
        &running);
    if (status[0] != 0) break;
  }
  return {static_cast<int32_t>(status[0]), status[1], status[2]};
}

}  // namespace fastnn
