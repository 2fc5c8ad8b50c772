//! The stack's pure parts: the project file, what init proposes, the supervisor.

mod init;
mod project;
mod project_frameworks;
mod project_helpers;
mod scenario;
mod supervise;
