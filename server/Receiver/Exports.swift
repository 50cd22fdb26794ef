// Part of the API of this module: see ``DirectoryStorage``.

@_exported public import enum Platform.Durability
