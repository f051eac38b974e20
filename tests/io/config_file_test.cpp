#include "core/io/config_file.h"

#include <gtest/gtest.h>

#include "core/base/fields.h"
#include "tests/io/io_testing.h"

namespace corvid {
namespace {

using testing::error_of;
using testing::Folder;

std::string usage_error(std::string_view text) {
  return error_of([&] { parse_config(text, "c.toml"); }, ErrorKind::kUsage);
}

TEST(ConfigFile, ReadsTablesInOrderWithLines) {
  const auto sections = parse_config(
      "seed = 7\n"
      "# ranges such as [0, 1) are no TOML\n"
      "[ppo]\n"
      "learning_rate = \"lin_3e-4\"\n"
      "gamma = 0.99\n"
      "hidden = [64, 64]\n"
      "normalize = true\n"
      "steps = 1_000_000\n"
      "tiny = 1e-3\n"
      "names = ['a', \"b c\"]\n"
      "[ppo.net.\"odd key\"]\n"
      "width = 3.0\n"
      "[empty]\n"
      "[[grid]]\n"
      "x = 1\n"
      "[[grid]]\n"
      "x = 2\n",
      "c.toml");
  ASSERT_EQ(sections.size(), 6U);
  EXPECT_EQ(sections[0].name, "");
  EXPECT_EQ(sections[0].entries[0].value, "7");
  EXPECT_EQ(sections[1].name, "ppo");
  EXPECT_EQ(sections[1].line, 3);
  const std::vector<ConfigEntry>& ppo = sections[1].entries;
  ASSERT_EQ(ppo.size(), 7U);
  const char* expected[][2] = {{"learning_rate", "lin_3e-4"}, {"gamma", "0.99"},    {"hidden", "[64, 64]"},
                               {"normalize", "true"},         {"steps", "1000000"}, {"tiny", "0.001"},
                               {"names", "[a, b c]"}};
  for (std::size_t k = 0; k < ppo.size(); ++k) {
    EXPECT_EQ(ppo[k].key, expected[k][0]);
    EXPECT_EQ(ppo[k].value, expected[k][1]);
    EXPECT_EQ(ppo[k].line, 4 + static_cast<int>(k));
  }
  EXPECT_EQ(sections[2].name, "ppo.net.odd key");
  EXPECT_EQ(sections[3].name, "empty");
  EXPECT_TRUE(sections[3].entries.empty());
  EXPECT_EQ(sections[4].entries[0].value, "1");
  EXPECT_EQ(sections[5].entries[0].value, "2");
}

TEST(ConfigFile, FieldsReadBackWhatTheyWrite) {
  bool flag = true;
  double number = 1e-7;
  std::int64_t integer = -12;
  std::string text = "with \"quotes\", \\ and\na line";
  std::vector<std::int64_t> list{1, 2, 3};
  Schedule schedule = Schedule::lin(2.5e-4);
  const Fields fields{Field("flag", &flag, ""), Field("number", &number, ""), Field("integer", &integer, ""),
                      Field("text", &text, ""), Field("list", &list, ""),     Field("schedule", &schedule, "")};
  std::string toml;
  for (const Field& field : fields) toml += field.name() + " = " + field.value() + "\n";
  const auto entries = parse_config(toml, "c.toml").at(0).entries;

  bool flag2 = false;
  double number2 = 0;
  std::int64_t integer2 = 0;
  std::string text2;
  std::vector<std::int64_t> list2;
  Schedule schedule2;
  Fields read{Field("flag", &flag2, ""), Field("number", &number2, ""), Field("integer", &integer2, ""),
              Field("text", &text2, ""), Field("list", &list2, ""),     Field("schedule", &schedule2, "")};
  for (const ConfigEntry& entry : entries) set_field(read, entry.key, entry.value, "test", "c.toml");
  EXPECT_TRUE(flag2);
  EXPECT_EQ(number2, 1e-7);
  EXPECT_EQ(integer2, -12);
  EXPECT_EQ(text2, text);
  EXPECT_EQ(list2, list);
  EXPECT_EQ(schedule2, schedule);
}

TEST(ConfigFile, ErrorsNameFileLineAndCause) {
  EXPECT_EQ(usage_error("a = 1\n\nb = = 2\n").find("c.toml:3: "), 0U) << usage_error("a = 1\n\nb = = 2\n");
  EXPECT_EQ(usage_error("a = 1\na = 2\n").find("c.toml:2: "), 0U) << usage_error("a = 1\na = 2\n");
  EXPECT_EQ(usage_error("x = [1, 2\n").find("c.toml:2: "), 0U) << usage_error("x = [1, 2\n");
  EXPECT_EQ(usage_error("[t\nx = 1").find("c.toml:1: "), 0U) << usage_error("[t\nx = 1");
  EXPECT_EQ(usage_error("a = 1\ns = \"open\n").find("c.toml:2: "), 0U) << usage_error("a = 1\ns = \"open\n");
  EXPECT_EQ(usage_error("a = 1\nwhen = 2020-01-01\n").find("c.toml:2: dates and times"), 0U);
  EXPECT_NE(usage_error(std::string("\xff\x00\x7f{", 4)).find("c.toml:"), std::string::npos);
}

TEST(ConfigFile, DeepNestingIsAnErrorAndNoCrash) {
  EXPECT_NE(usage_error("a = " + std::string(100'000, '[')).find("c.toml:1: nested too deeply"), std::string::npos);
  std::string key = "a";
  for (int k = 0; k < 100'000; ++k) key += ".a";
  EXPECT_NE(usage_error("x = 1\n" + key + " = 1").find("c.toml:2: nested too deeply"), std::string::npos);
}

TEST(ConfigFile, MissingFilesAndFoldersAreBadFiles) {
  const Folder folder;
  EXPECT_NE(error_of([&] { read_config(folder / "none.toml"); }).find("none.toml does not exist"), std::string::npos);
  EXPECT_NE(error_of([&] { read_config(folder.path()); }).find("is a folder"), std::string::npos);
  testing::write_bytes(folder / "c.toml", "a = 1\r\n[b]\r\nc = \"x\"\r\n");
  const auto sections = read_config(folder / "c.toml");
  ASSERT_EQ(sections.size(), 2U);
  EXPECT_EQ(sections[1].entries[0].value, "x");
  testing::write_bytes(folder / "bad.toml", "a = \n");
  EXPECT_EQ(error_of([&] { read_config(folder / "bad.toml"); }, ErrorKind::kUsage)
                .find((folder / "bad.toml").string() + ":1: "),
            0U);
  testing::write_bytes(folder / "empty.toml", "");
  EXPECT_TRUE(read_config(folder / "empty.toml").empty());
}

}  // namespace
}  // namespace corvid
