# Box2D 2.3, the engine of the official Box2D environments. Another version, or other compile flags, would play other
# episodes, so it is built here from pinned sources (zlib licence), as exactly as everything below LibTorch.
#
# What is changed, in a copy below the build folder, whose altered files say so; none of it touches what a game here
# simulates, to the last bit. Calls that no game makes are not looked after: b2Body::SetType would break the order of
# bodies, and Dump, DrawDebugData and ShiftOrigin leave out those that stand still.
#   - assertions are C's own instead of Python exceptions;
#   - calls are neither counted nor timed: those counters are global variables, which threads would share;
#   - the order of free places in the collision tree can be read and written (envs/box2d/world.h);
#   - whoever listens to contacts may run the iterations over velocities in the engine's place (envs/box2d/lanes.h);
#   - bodies that stand still come last in a world's list, and loops over what moves end there: BipedalWalker has 200.
#     Continuous collision leaves a time on such bodies, which is cleared where it ends instead of where it begins.
set(CORVID_BOX2D_DIR "${CMAKE_SOURCE_DIR}/.deps/box2d" CACHE PATH "Sources of Box2D 2.3: the folder that holds Box2D.h")
if(NOT EXISTS ${CORVID_BOX2D_DIR}/Box2D.h)
  message(FATAL_ERROR "No Box2D in ${CORVID_BOX2D_DIR}. ./corvid setup puts it there; or name the folder Box2D of "
                      "box2d-py 2.3.8's source package with -DCORVID_BOX2D_DIR.")
endif()
set(box2d_copy ${CMAKE_BINARY_DIR}/box2d/Box2D)

# Arguments after the file: text, replacement, text, replacement, ...
function(corvid_copy_box2d file)
  file(READ ${CORVID_BOX2D_DIR}/${file} content)
  list(LENGTH ARGN count)
  math(EXPR last "${count} - 1")
  if(count GREATER 0)
    foreach(i RANGE 0 ${last} 2)
      math(EXPR j "${i} + 1")
      list(GET ARGN ${i} from)
      list(GET ARGN ${j} to)
      string(FIND "${content}" "${from}" place)
      if(place EQUAL -1)
        message(FATAL_ERROR "Box2D's ${file} lacks \"${from}\": these are not the sources of box2d-py 2.3.8")
      endif()
      string(REPLACE "${from}" "${to}" content "${content}")
    endforeach()
  endif()
  if(count GREATER 0)
    string(PREPEND content "// Altered from the original; cmake/box2d.cmake of Corvid says how and why.\n")
  endif()
  # Written only where it changed, so that nothing is compiled without need.
  file(GENERATE OUTPUT ${box2d_copy}/${file} CONTENT "${content}")
endfunction()

file(GLOB_RECURSE box2d_files RELATIVE ${CORVID_BOX2D_DIR} ${CORVID_BOX2D_DIR}/*.h ${CORVID_BOX2D_DIR}/*.cpp)
set(box2d_sources)
foreach(file IN LISTS box2d_files)
  if(file STREQUAL "Common/b2Settings.h")
    corvid_copy_box2d(${file} "#define USE_EXCEPTIONS" "")
  elseif(file STREQUAL "Collision/b2DynamicTree.h" OR file STREQUAL "Collision/b2BroadPhase.h")
    corvid_copy_box2d(${file} "private:" "public:")
  elseif(file STREQUAL "Dynamics/Joints/b2RevoluteJoint.h")
    corvid_copy_box2d(${file} "protected:" "public:")
  elseif(file STREQUAL "Dynamics/b2WorldCallbacks.h")
    corvid_copy_box2d(${file}
      "class b2ContactListener"
      "class b2Island\; class b2ContactSolver\; class b2ContactListener"
      "virtual void BeginContact("
      "virtual bool SolveVelocities(b2Island*, b2ContactSolver*) { return false\; }
	virtual void BeginContact(")
  elseif(file STREQUAL "Dynamics/b2Island.cpp")
    corvid_copy_box2d(${file}
      "for (int32 i = 0\; i < step.velocityIterations"
      "const bool solved = m_listener && m_listener->SolveVelocities(this, &contactSolver)\;
	for (int32 i = solved ? step.velocityIterations : 0\; i < step.velocityIterations")
  elseif(file STREQUAL "Dynamics/b2World.cpp")
    corvid_copy_box2d(${file}
      "b->m_next = m_bodyList\;
	if (m_bodyList)
	{
		m_bodyList->m_prev = b\;
	}
	m_bodyList = b\;"
      "b2Body** place = &m_bodyList\;
	while (def->type == b2_staticBody && *place && (*place)->m_type != b2_staticBody)
	{
		b->m_prev = *place\;
		place = &(*place)->m_next\;
	}
	b->m_next = *place\;
	if (*place)
	{
		(*place)->m_prev = b\;
	}
	*place = b\;"
      "m_bodyList\; b\; b = b->" "m_bodyList\; b && b->m_type != b2_staticBody\; b = b->"
      "m_bodyList\; seed\; seed" "m_bodyList\; seed && seed->m_type != b2_staticBody\; seed"
      "m_bodyList\; body\; body" "m_bodyList\; body && body->m_type != b2_staticBody\; body"
      "SolveTOI(step)\;"
      "SolveTOI(step)\;
		for (b2Contact* c = m_contactManager.m_contactList\; c\; c = c->m_next)
		{
			c->m_fixtureA->m_body->m_sweep.alpha0 = c->m_fixtureB->m_body->m_sweep.alpha0 = 0.0f\;
		}")
  elseif(file STREQUAL "Collision/b2Distance.cpp")
    corvid_copy_box2d(${file} "++b2_gjk" "// ++b2_gjk" "b2_gjkMaxIters = " "// b2_gjkMaxIters = ")
  elseif(file STREQUAL "Collision/b2TimeOfImpact.cpp")
    corvid_copy_box2d(${file} "++b2_toi" "// ++b2_toi" "b2_toiMaxRootIters = " "// b2_toiMaxRootIters = "
                      "b2_toiMaxIters = " "// b2_toiMaxIters = " "b2_toiMaxTime = " "// b2_toiMaxTime = "
                      "b2_toiTime += " "// b2_toiTime += ")
  elseif(file STREQUAL "Common/b2Timer.cpp")
    # The branch of systems without a clock.
    corvid_copy_box2d(${file} "defined(_WIN32)" "0" "defined(__linux__) || defined (__APPLE__)" "0")
  elseif(file STREQUAL "Common/b2Timer.h")
    corvid_copy_box2d(${file} "defined(__linux__) || defined (__APPLE__)" "0")
  else()
    corvid_copy_box2d(${file})
  endif()
  if(file MATCHES "cpp$")
    list(APPEND box2d_sources ${box2d_copy}/${file})
  endif()
endforeach()

# One translation unit: the engine's small functions are inlined across its files.
add_library(corvid_box2d STATIC ${box2d_sources})
set_target_properties(corvid_box2d PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
target_include_directories(corvid_box2d SYSTEM PUBLIC $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/box2d>)
target_compile_options(corvid_box2d PRIVATE ${CORVID_EXACT_FLAGS} -w)
if(CORVID_SANITIZE)
  target_compile_options(corvid_box2d PRIVATE -fsanitize=${CORVID_SANITIZE} -fno-omit-frame-pointer -g1)
endif()
