#include "core/io/rollout_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "core/base/check.h"
#include "core/io/atomic_file.h"
#include "core/io/rollout_manifest.h"
#include "core/io/rollout_read.h"
#include "core/io/rollout_shard.h"

namespace corvid {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kQueueBytes = 64 << 20;

// One log a folder: two would overwrite each other's shards. The kernel drops the lock with the process.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder) : file_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (file_ >= 0 && ::flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(file_);
      fail(ErrorKind::kUsage, folder.string(),
           " is being written by another run; wait for it or choose another folder");
    }
  }
  ~FolderLock() {
    if (file_ >= 0) ::close(file_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_;
};

const fs::path& made(const fs::path& folder) {
  make_folder(folder);
  return folder;
}

// What the writer thread does next: write a block, then close the shard, where asked for.
struct Job {
  std::unique_ptr<RolloutBlock> block;
  bool close = false;
  std::vector<std::int64_t> next_episodes;  // with close
};

}  // namespace

struct RolloutLog::State {
  State(fs::path in, RolloutInfo about, RolloutOptions with)
      : folder(std::move(in)),
        info(std::move(about)),
        options(with),
        layout(info, options.rows_per_block),
        lock_file(made(folder)) {
    max_jobs = std::clamp<std::size_t>(kQueueBytes / std::max<std::size_t>(1, layout.block_bytes()), 2, 64);
  }

  void recover();
  void recover_unlisted();
  void start_counters();

  // With `mutex` held.
  void throw_failure() const {
    if (!failure.empty()) throw Error(ErrorKind::kFailed, failure);
  }
  void push(Job job, std::unique_lock<std::mutex>& lock);
  Job cut();
  void wait_until_written(std::unique_lock<std::mutex>& lock);
  Clock::time_point deadline() const {
    return opened + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(std::min(options.max_open_seconds, 1e9)));
  }
  bool has_deadline() const { return shard_rows > 0 && options.max_open_seconds > 0; }

  void remove_shards_from(std::int64_t count);

  // On the writer thread, without `mutex`.
  void work();
  void do_job(Job& job);
  void finish_shard(std::vector<std::int64_t> next_episodes);

  const fs::path folder;
  const RolloutInfo info;
  const RolloutOptions options;
  const RolloutLayout layout;
  const FolderLock lock_file;
  std::size_t max_jobs = 2;
  std::string recovered;

  mutable std::mutex mutex;
  std::condition_variable work_arrived, work_done;
  EpisodeCounters counters;
  std::int64_t rows = 0, shard_rows = 0;  // appended in all, and to the shard that is open
  std::int64_t closed = 0;
  Clock::time_point opened;  // when the open shard got its first row
  std::unique_ptr<RolloutBlock> current;
  std::vector<std::unique_ptr<RolloutBlock>> spare;
  std::deque<Job> queue;
  bool busy = false, stopping = false, ended = false;
  std::string failure;

  // The writer's own; others look only while it is idle.
  RolloutManifest manifest;
  std::unique_ptr<ShardWriter> shard;
  std::thread writer;
};

// --- Starting in a folder ---

void RolloutLog::State::recover() {
  remove_stale_temporaries(folder);
  manifest = read_manifest(folder);
  if (!manifest.env_id.empty() && manifest.env_id != info.env_id) {
    fail(ErrorKind::kUsage, folder.string(), " holds rollouts of ", manifest.env_id, ", expected ", info.env_id,
         "; choose another folder");
  }
  manifest.env_id = info.env_id;

  std::vector<fs::path> open_shards;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("shard-") && name.ends_with(".h5.tmp")) open_shards.push_back(entry.path());
  }
  for (const fs::path& path : open_shards) {
    std::error_code ignored;
    const auto bytes = fs::file_size(path, ignored);
    fs::remove(path, ignored);
    recovered += "removed " + path.filename().string() + " (" + std::to_string(bytes) +
                 " bytes), which a killed run left open; ";
  }
  recover_unlisted();
  if (recovered.ends_with("; ")) recovered.resize(recovered.size() - 2);
}

// A run may be killed after a shard got its name and before the manifest lists it.
void RolloutLog::State::recover_unlisted() {
  std::error_code ignored;
  while (true) {
    const std::string name = shard_name(static_cast<std::int64_t>(manifest.shards.size()));
    if (!fs::exists(folder / name, ignored)) return;
    std::string problem;
    try {
      ShardContent content = read_shard_content(folder / name);
      if (content.env_id == info.env_id && content.entry.first_step == manifest.rows()) {
        manifest.shards.push_back(content.entry);
        manifest.next_episodes = content.next_episodes;
        write_manifest(folder, manifest);
        recovered += "listed " + name + ", which a killed run had completed; ";
        continue;
      }
      problem = "it does not follow the shards before it";
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadFile) throw;
      problem = error.what();
    }
    fs::rename(folder / name, folder / (name + ".damaged"), ignored);
    if (ignored) fail(ErrorKind::kFailed, "cannot rename ", (folder / name).string(), ": ", ignored.message());
    recovered += "renamed " + name + " to " + name + ".damaged: " + problem + "; ";
  }
}

// Episodes that earlier runs began are cut off: numbers go on after them.
void RolloutLog::State::start_counters() {
  const auto n = static_cast<std::size_t>(info.num_envs);
  counters.step.assign(n, 0);
  counters.episode = manifest.next_episodes;
  if (counters.episode.size() == n) return;
  const auto largest = std::max_element(counters.episode.begin(), counters.episode.end());
  counters.episode = std::vector<std::int64_t>(n, largest == counters.episode.end() ? 0 : *largest);
}

RolloutLog::RolloutLog(fs::path folder, RolloutInfo info, RolloutOptions options)
    : state_(std::make_unique<State>(std::move(folder), std::move(info), options)) {
  State& s = *state_;
  s.recover();
  s.start_counters();
  s.rows = s.manifest.rows();
  s.closed = static_cast<std::int64_t>(s.manifest.shards.size());
  s.writer = std::thread([&s] { s.work(); });
}

RolloutLog::~RolloutLog() {
  try {
    close();
  } catch (...) {  // whoever wants to know calls close()
  }
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->work_arrived.notify_all();
  state_->writer.join();
}

// --- The side of the run ---

void RolloutLog::State::push(Job job, std::unique_lock<std::mutex>& lock) {
  // In the queue before any wait: the writer may cut the shard at its deadline meanwhile, after these rows.
  queue.push_back(std::move(job));
  work_arrived.notify_all();
  work_done.wait(lock, [&] { return queue.size() <= max_jobs || !failure.empty(); });
  throw_failure();
}

// Ends the open shard: what remains in memory, and the order to close. Needs rows in the shard.
Job RolloutLog::State::cut() {
  Job job;
  if (current && current->rows > 0) job.block = std::move(current);
  job.close = true;
  job.next_episodes = counters.episode;
  for (std::size_t i = 0; i < counters.step.size(); ++i) job.next_episodes[i] += counters.step[i] > 0;
  shard_rows = 0;
  return job;
}

void RolloutLog::State::wait_until_written(std::unique_lock<std::mutex>& lock) {
  work_done.wait(lock, [&] { return (queue.empty() && !busy) || !failure.empty(); });
  throw_failure();
}

void RolloutLog::append(const RolloutStep& step) {
  State& s = *state_;
  std::unique_lock lock(s.mutex);
  s.throw_failure();
  CORVID_CHECK(!s.ended, "a closed rollout log takes no more rows");
  if (!s.current && !s.spare.empty()) {
    s.current = std::move(s.spare.back());
    s.spare.pop_back();
  }
  if (!s.current) s.current = std::make_unique<RolloutBlock>(s.layout);
  if (s.shard_rows == 0) {
    s.opened = Clock::now();
    s.work_arrived.notify_all();  // the writer watches the clock from now on
  }
  s.current->add(s.layout, s.info, step, s.shard_rows, s.counters);
  s.rows += s.info.num_envs;
  s.shard_rows += s.info.num_envs;
  if (s.shard_rows >= s.options.rows_per_shard) {
    s.push(s.cut(), lock);
  } else if (s.current->full(s.layout)) {
    s.push({.block = std::move(s.current)}, lock);
  }
}

void RolloutLog::close_shard() {
  State& s = *state_;
  std::unique_lock lock(s.mutex);
  s.throw_failure();
  if (s.shard_rows > 0) s.push(s.cut(), lock);
  s.wait_until_written(lock);
}

void RolloutLog::close() {
  close_shard();
  const std::lock_guard lock(state_->mutex);
  state_->ended = true;
}

std::int64_t RolloutLog::rows() const {
  const std::lock_guard lock(state_->mutex);
  return state_->rows;
}

std::int64_t RolloutLog::shards() const {
  const std::lock_guard lock(state_->mutex);
  return state_->closed;
}

const std::string& RolloutLog::recovered() const { return state_->recovered; }

void RolloutLog::visit(Archive& archive) {
  close_shard();
  State& s = *state_;
  std::int64_t rows = s.rows, shards = s.closed;
  EpisodeCounters counters = s.counters;
  archive("rows", rows);
  archive("shards", shards);
  archive("episode", counters.episode);
  archive("step", counters.step);
  if (!archive.loading()) return;

  const auto n = static_cast<std::size_t>(s.info.num_envs);
  if (counters.episode.size() != n || counters.step.size() != n) {
    fail(ErrorKind::kBadFile, "the checkpoint has rollout counters of ", counters.episode.size(),
         " environments, expected ", n);
  }
  const std::lock_guard lock(s.mutex);
  s.remove_shards_from(shards);
  if (s.manifest.rows() != rows) {
    fail(ErrorKind::kBadFile, s.folder.string(), ": the first ", shards, " shards hold ", s.manifest.rows(),
         " rows, the checkpoint expects ", rows);
  }
  s.rows = rows;
  s.closed = shards;
  s.counters = std::move(counters);
}

void RolloutLog::State::remove_shards_from(std::int64_t count) {
  const auto have = static_cast<std::int64_t>(manifest.shards.size());
  if (count < 0 || count > have) {
    fail(ErrorKind::kBadFile, folder.string(), " holds ", have, " closed shards, the checkpoint expects ", count);
  }
  if (count == have) return;
  // The manifest first: a shard that it lists must always be there.
  manifest.shards.resize(static_cast<std::size_t>(count));
  write_manifest(folder, manifest);
  for (std::int64_t i = count; i < have; ++i) {
    std::error_code code;
    fs::remove(folder / shard_name(i), code);
    if (code) fail(ErrorKind::kFailed, "cannot remove ", (folder / shard_name(i)).string(), ": ", code.message());
  }
  sync_path(folder);
}

// --- The writer thread ---

void RolloutLog::State::work() {
  std::unique_lock lock(mutex);
  while (true) {
    // A shard that has been open long enough is closed even when the run appends nothing.
    if (has_deadline() && failure.empty() && Clock::now() >= deadline()) queue.push_back(cut());
    if (queue.empty()) {
      if (stopping) return;
      if (has_deadline() && failure.empty())
        work_arrived.wait_until(lock, deadline());
      else
        work_arrived.wait(lock);
      continue;
    }
    Job job = std::move(queue.front());
    queue.pop_front();
    busy = true;
    lock.unlock();
    std::string problem;
    try {
      do_job(job);
    } catch (const std::exception& error) {
      problem = error.what();
      shard.reset();
      std::error_code ignored;
      fs::remove(folder / (shard_name(static_cast<std::int64_t>(manifest.shards.size())) + ".tmp"), ignored);
    }
    lock.lock();
    busy = false;
    if (problem.empty()) {
      closed = static_cast<std::int64_t>(manifest.shards.size());
      if (job.block) spare.push_back(std::move(job.block));
    } else {
      failure = "rollouts stopped: " + problem;
      queue.clear();
    }
    work_done.notify_all();
  }
}

void RolloutLog::State::do_job(Job& job) {
  if (job.block) {
    if (!shard) {
      const std::string name = shard_name(static_cast<std::int64_t>(manifest.shards.size())) + ".tmp";
      shard = std::make_unique<ShardWriter>(folder / name, layout, info, manifest.rows());
    }
    shard->write(*job.block);
    job.block->clear(layout);
  }
  if (job.close) finish_shard(std::move(job.next_episodes));
}

void RolloutLog::State::finish_shard(std::vector<std::int64_t> next_episodes) {
  const std::string name = shard_name(static_cast<std::int64_t>(manifest.shards.size()));
  const std::int64_t rows_in_shard = shard->rows();
  const Seal seal = shard->finish();
  shard.reset();
  if (::rename((folder / (name + ".tmp")).c_str(), (folder / name).c_str()) != 0) {
    fail(ErrorKind::kFailed, "cannot rename to ", (folder / name).string(), ": ", std::strerror(errno));
  }
  sync_path(folder);

  RolloutManifest next = manifest;
  const std::int64_t first = manifest.rows();
  next.shards.push_back({name, seal.bytes, seal.crc32, rows_in_shard, first, first + rows_in_shard - 1});
  next.next_episodes = std::move(next_episodes);
  write_manifest(folder, next);
  manifest = std::move(next);
}

}  // namespace corvid
