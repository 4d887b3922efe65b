package vault

// FailSync lets the nth sync of the directory of keys files fail, from 1.
func (v *Vault) FailSync(n int, err error) {
	v.syncDir = func(dir string) error {
		if n--; n == 0 {
			return err
		}
		return syncDir(dir)
	}
}
