// How an object crosses C: as a pointer. The only file with `Unmanaged`.

/// A pointer that does not own the object: something else must keep it for as long as C may call back.
package func opaque(_ object: AnyObject) -> UnsafeMutableRawPointer {
    Unmanaged.passUnretained(object).toOpaque()
}

/// A pointer that owns the object, until ``release(_:)``: for a thread that nothing else refers to.
package func retained(_ object: AnyObject) -> UnsafeMutableRawPointer {
    Unmanaged.passRetained(object).toOpaque()
}

/// Ends the ownership that ``retained(_:)`` began.
package func release(_ pointer: UnsafeMutableRawPointer) {
    Unmanaged<AnyObject>.fromOpaque(pointer).release()
}

/// The object behind a pointer; nil only for nil: all pointers of C are imported as optional.
@inlinable
package func object<Object: AnyObject>(
    _ pointer: UnsafeMutableRawPointer?, as type: Object.Type = Object.self
) -> Object? {
    pointer.map { Unmanaged<Object>.fromOpaque($0).takeUnretainedValue() }
}
