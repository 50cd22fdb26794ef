public enum H {}
