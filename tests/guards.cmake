# Tests of the tree itself: layers, headers, documents, the installed package. Python's standard library is enough.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)

function(corvid_guard name label)
  add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${label}" TIMEOUT 1200 ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
endfunction()

corvid_guard(structure fast ${Python3_EXECUTABLE} tests/structure_test.py)
corvid_guard(structure_finds_violations fast ${Python3_EXECUTABLE} tests/structure_self_test.py)

set(compile ${CMAKE_CXX_COMPILER} -std=c++20 ${CORVID_EXACT_FLAGS} -Wall -Wextra -isystem ${CMAKE_BINARY_DIR}/box2d)
corvid_guard(headers_compile_alone headers ${Python3_EXECUTABLE} tests/headers_test.py --plain -- ${compile})

corvid_guard(package package ${CMAKE_SOURCE_DIR}/tests/package_test.sh ${CMAKE_BINARY_DIR} ${CORVID_WITH_TORCH})
# It installs from the build folder and compiles with two jobs.
set_tests_properties(package PROPERTIES RUN_SERIAL TRUE)

if(CORVID_WITH_TORCH)
  corvid_guard(torch_headers_compile_alone "headers;slow" ${Python3_EXECUTABLE} tests/headers_test.py --torch -- ${compile}
               -isystem ${CORVID_TORCH_DIR}/include -isystem ${CORVID_TORCH_DIR}/include/torch/csrc/api/include)
  if(TARGET corvid)
    corvid_guard(documents_equal_the_program fast ${Python3_EXECUTABLE} tests/docs_test.py $<TARGET_FILE:corvid>)
    corvid_guard(documents_test_finds_errors fast ${Python3_EXECUTABLE} tests/docs_self_test.py)
    corvid_guard(program program ${Python3_EXECUTABLE} tests/cli_test.py $<TARGET_FILE:corvid>)
    corvid_guard(program_survives_crashes program ${Python3_EXECUTABLE} tests/crash_test.py $<TARGET_FILE:corvid>)
    corvid_guard(windows program ${Python3_EXECUTABLE} tests/window_test.py $<TARGET_FILE:corvid>)
    set_tests_properties(windows PROPERTIES SKIP_RETURN_CODE 77)
    corvid_guard(metrics_are_explained fast ${Python3_EXECUTABLE} tests/metrics_test.py $<TARGET_FILE:corvid>)
    corvid_guard(rollouts_replay_in_gymnasium fast ${Python3_EXECUTABLE} tests/reference/replay_rollouts.py $<TARGET_FILE:corvid>)
    set_tests_properties(rollouts_replay_in_gymnasium PROPERTIES SKIP_RETURN_CODE 77)
  endif()
endif()

if(TARGET corvid)
  corvid_guard(memory_does_not_grow slow ${Python3_EXECUTABLE} tests/memory_test.py $<TARGET_FILE:corvid>)
endif()

# Learning to score takes minutes, so these run on demand; the sample runs with every change.
if(TARGET corvid)
  # The evaluation at the end of the training, or with `best` the best one: values of short trainings rise and fall.
  function(corvid_learns label agent env seeds bound)
    set(which last)
    if(ARGN)
      set(which ${ARGN})
    endif()
    corvid_guard(learning_${agent}_${env}_${seeds}_seeds ${label} ${Python3_EXECUTABLE} tests/learning_test.py $<TARGET_FILE:corvid>
                 ${agent} ${env} ${seeds} ${bound} ${which})
  endfunction()
  corvid_learns(slow-sample ppo CartPole-v1 1 475)
  corvid_learns(slow-sample reinforce CartPole-v1 1 350)
  corvid_learns(slow ppo CartPole-v1 5 490)
  corvid_learns(slow ppo Acrobot-v1 5 -85)
  corvid_learns(slow ppo Pendulum-v1 5 -200)
  corvid_learns(slow ppo MountainCar-v0 5 -115)
  corvid_learns(slow a2c CartPole-v1 5 475)
  corvid_learns(slow reinforce CartPole-v1 5 400)
  corvid_learns(slow-sample dqn CartPole-v1 1 475 best)
  corvid_learns(slow-sample pqn CartPole-v1 1 475 best)
  foreach(agent IN ITEMS dqn qrdqn c51 iqn rainbow munchausen_dqn pqn)
    corvid_learns(slow ${agent} CartPole-v1 5 475 best)
  endforeach()
  corvid_learns(slow dqn Acrobot-v1 5 -85 best)
  corvid_learns(slow qrdqn Acrobot-v1 5 -85 best)
  corvid_learns(slow dqn MountainCar-v0 5 -115 best)
endif()
