extension FuzzTarget {
    static let all = forms
}
