extension FuzzTarget {
    static let all =
        forms + [
            FuzzTarget(name: "content-coding", check: ContentCodingCheck.run),
            FuzzTarget(name: "response", check: ResponseCheck.run),
            FuzzTarget(name: "location", check: LocationCheck.run),
            FuzzTarget(name: "http1-connection", check: HTTP1ConnectionCheck.run),
            FuzzTarget(name: "file-name", check: FileNameCheck.run),
            FuzzTarget(name: "fields", check: FieldsCheck.run),
        ]
}
