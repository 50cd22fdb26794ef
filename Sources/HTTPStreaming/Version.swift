/// The version of the package, as `User-Agent` names it. `make release` checks it.
package let libraryVersion = "0.1.0"
